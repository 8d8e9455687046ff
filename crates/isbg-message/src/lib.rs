//! isbg-message
