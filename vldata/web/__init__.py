"""What every page of ours is made of: escaping, small pictures, and the frame of a self-contained HTML file."""
