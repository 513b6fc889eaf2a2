"""Any network of timm as a backbone."""
