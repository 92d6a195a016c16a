"""Results for people: text, Markdown, one HTML file, and the JSON document behind them."""
