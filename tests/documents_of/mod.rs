//! Reading documents, generating the reference, and a machine on which commands are tried.

pub mod blocks;
pub mod generated;
pub mod machine;
