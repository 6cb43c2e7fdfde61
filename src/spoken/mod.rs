//! Speech at this program's desk: the installed model that listens, and a command of this machine that speaks. Nothing
//! is sent anywhere, and no sound is kept by anything here.

pub mod ears;
pub mod mouth;
