"""What both HTTP edges share."""
