"""RAN: region attention network (Wang et al. 2020)."""
