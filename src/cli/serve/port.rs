//! The port: take it, or say who has it.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::exit::{self, Exit};

/// Listens on `address`.
///
/// # Errors
/// When the port is taken (exit code 1, with the holder's name where this machine tells it) or not allowed.
pub(super) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let message = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                let holder = holder(address.port()).map_or_else(String::new, |holder| format!(" by {holder}"));
                format!("port {} is in use{holder}. Choose another with --port N, or --port 0 for any.", address.port())
            }
            std::io::ErrorKind::PermissionDenied => {
                format!(
                    "port {} needs rights that this user lacks. Choose one above 1023 with --port N.",
                    address.port()
                )
            }
            std::io::ErrorKind::AddrNotAvailable => {
                format!("{} is not an address of this machine. Leave --host out for 127.0.0.1.", address.ip())
            }
            _ => format!("cannot listen on {address}: {error}"),
        };
        Exit::new(exit::FAILURE, message)
    })
}

/// Who listens on a port, as far as `/proc` tells this user: `name (pid N)`.
#[cfg(target_os = "linux")]
fn holder(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .find_map(|table| listening_inode(&table, port))?;
    let socket = format!("socket:[{inode}]");
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let holds = std::fs::read_dir(process.path().join("fd"))
            .ok()?
            .flatten()
            .any(|fd| std::fs::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == socket.as_str()));
        if !holds {
            return None;
        }
        let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        Some(format!("{} (pid {pid})", name.trim().escape_debug()))
    })
}

#[cfg(not(target_os = "linux"))]
fn holder(_port: u16) -> Option<String> {
    None
}

/// The socket that listens on a port, out of the kernel's table: the local address is `HEX:PORT` in the second
/// column, the state `0A` (listening) in the fourth, the inode in the tenth.
#[cfg(target_os = "linux")]
fn listening_inode(table: &str, port: u16) -> Option<String> {
    let wanted = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let listens = columns.get(1)?.ends_with(&wanted) && *columns.get(3)? == "0A";
        listens.then(|| columns.get(9).map(|inode| (*inode).to_owned())).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_names_its_holder() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = taken.local_addr().expect("bound");
        let error = listen(address).await.expect_err("taken");
        assert_eq!(error.downcast_ref::<Exit>().map(|exit| exit.code), Some(exit::FAILURE));
        let message = error.to_string();
        assert!(message.contains(&format!("port {} is in use", address.port())), "{message}");
        #[cfg(target_os = "linux")]
        assert!(message.contains(&format!("(pid {})", std::process::id())), "{message}");
    }
}
