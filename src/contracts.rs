//! The list of contracts that sales keeps: read as CSV or XLSX, compared with what is on file, imported
//! beside a running service, and watched for changes.

pub mod file;
pub mod import;
pub mod watch;
