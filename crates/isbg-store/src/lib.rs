//! isbg-store
