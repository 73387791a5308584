"""Plain loops beside the kernels that are shipped."""
