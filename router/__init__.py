"""vipline: decides, in one atomic step, which caller talks to which agent."""
