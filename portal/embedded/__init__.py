"""PostgreSQL and Redis from wheels, and the supervisor behind ``make run``. Linux only; imports no Django."""
