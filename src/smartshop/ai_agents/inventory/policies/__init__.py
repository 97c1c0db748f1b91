"""When to order, and how much: pure functions over numbers. No clock, no store, no shop."""
