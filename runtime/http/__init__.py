"""What both HTTP edges share: building and serving apps, problem details, paging, positions, rate limits."""
