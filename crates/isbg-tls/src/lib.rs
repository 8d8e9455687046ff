//! isbg-tls
