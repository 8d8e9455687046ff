//! isbg-lookups
