//! isbg-imap
