"""fasttreeshap, its second algorithm, which prepares tables in every call: ten thousand rows stand for more."""

from timing import run
from with_fasttreeshap_v1 import explainer

if __name__ == "__main__":
    run(explainer("v2"), is_linear=False, at_most=10_000)
