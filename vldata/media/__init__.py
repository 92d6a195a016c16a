"""Pictures and frames: from references to files on the processor's grid."""
