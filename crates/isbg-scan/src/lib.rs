//! isbg-scan
