"""What features look like (t-SNE, UMAP; paper, Fig. 5), and whether a mask moves them."""
