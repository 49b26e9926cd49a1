"""What docker-compose.yml needs beside itself: the secrets' files and PostgreSQL's first script."""
