"""What would help, and by how much, estimated before anyone retrains."""
