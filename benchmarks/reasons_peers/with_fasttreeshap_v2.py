"""fasttreeshap, its second algorithm."""

from timing import run
from with_fasttreeshap_v1 import explainer

if __name__ == "__main__":
    run(explainer("v2"), is_linear=True)
