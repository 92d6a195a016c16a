"""What a number is worth: intervals, tests and agreement, all with numpy alone."""
