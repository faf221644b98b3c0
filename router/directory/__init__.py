"""Who is calling: customers found by any of their numbers, imported in bulk, or asked of a CRM."""
