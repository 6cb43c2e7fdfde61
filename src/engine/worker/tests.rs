//! The worker over a fake model whose mind is a function of what it has read.
