//! isbg-testkit
