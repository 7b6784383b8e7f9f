"""The recipes that come with `edge`, as data: what a search starts from, and what a user's own may be compared with."""

from edge_export.quantize.recipe import Recipe

NO_SKIP_NORM = {"optimization.disable_specified_optimizers": "SkipLayerNormFusion"}
"""ONNX Runtime's fused SkipLayerNormalization takes ten times as long on CPUs as an Add and a LayerNormalization."""

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        # U8S8 by channel, four ways to choose ranges. Same graph, same speed; which one errs least depends on the net.
        # Clips nothing: the first to try, and right where activations have no outliers.
        Recipe("minmax", calibration="minmax"),
        # Cuts a hundred-thousandth of the values, as ONNX Runtime's own calibrator does.
        Recipe("percentile", calibration="percentile"),
        # Keeps the shape of the distribution; often too eager to clip (EfficientNet-Lite0: five times mse's error).
        Recipe("entropy", calibration="entropy"),
        # Balances what clipping loses against what a finer step gains.
        Recipe("mse", calibration="mse"),
        # For kernels that want both sides signed; 2.7 times slower than U8S8 on x86.
        Recipe("s8s8", calibration="mse", activations="int8"),
        # For kernels that want both sides unsigned; 2.3 times slower than U8S8 on x86.
        Recipe("u8u8", calibration="mse", weights="uint8"),
        # Weights of 7 bits: nothing saturates on x86 without VNNI, even where the exact kernel is not asked for.
        Recipe("reduced", calibration="mse", reduce_range=True),
        # One scale for all channels of a weight, made bearable by equalization: for devices that know no other.
        Recipe("per-tensor", calibration="mse", per_channel=False, equalize=True),
        # Matrix products and embeddings only, ranges found at run time: the quickest for small transformers.
        Recipe("dynamic", kind="dynamic", per_channel=False, session=NO_SKIP_NORM),
        Recipe("dynamic-per-channel", kind="dynamic", session=NO_SKIP_NORM),
        # The same with outlier channels moved into the weights.
        Recipe("dynamic-smooth", kind="dynamic", smooth_quant=0.5, session=NO_SKIP_NORM),
        # Ranges from calibration: no answer depends on its batch, and no time goes into looking for ranges.
        Recipe("fixed", kind="fixed", calibration="mse", per_channel=False, session=NO_SKIP_NORM),
        Recipe("fixed-minmax", kind="fixed", per_channel=False, session=NO_SKIP_NORM),
        Recipe("fixed-smooth", kind="fixed", per_channel=False, smooth_quant=0.5, session=NO_SKIP_NORM),
        Recipe("fixed-per-channel", kind="fixed", calibration="mse", smooth_quant=0.5, session=NO_SKIP_NORM),
        # No floats between the two products of a feed-forward network: the quickest of fixed ranges.
        Recipe("fixed-codes", kind="fixed", calibration="mse", feed_forward="codes", session=NO_SKIP_NORM),
        # A transformer in QDQ form: slower than dynamic and fixed ranges here.
        Recipe("static-smooth", calibration="mse", smooth_quant=0.5),
    )
}
