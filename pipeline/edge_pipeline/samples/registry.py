"""Every source of sample data by its name."""

from edge_pipeline.samples import digits, fashion, mnist, ner_zh, sentiment_zh, sms, trec
from edge_pipeline.samples.interface import Source

SOURCES: dict[str, Source] = {
    "digits": digits.SOURCE,
    "mnist": mnist.SOURCE,
    "fashion": fashion.SOURCE,
    "sms": sms.SOURCE,
    "trec": trec.SOURCE,
    "sentiment-zh": sentiment_zh.SOURCE,
    "ner-zh": ner_zh.SOURCE,
}
