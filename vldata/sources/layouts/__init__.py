"""Official layouts of published datasets: one module each, which finds its files in a folder and reads them into `Question`s."""
