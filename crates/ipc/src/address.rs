//! Where a listener can be found: a Unix socket's path, an abstract name (Linux), or a TCP address.
//!
//! In Python: the `address` and `family` of `multiprocessing.connection.Listener`; there an abstract name begins with a
//! zero byte.

use std::{
    fmt,
    net::{AddrParseError, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketAddrUnix},
};

/// Where a listener can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A socket in the file system, at most 107 bytes long (unix(7)). Who may connect: who may write to it. It stays
    /// when its process is killed.
    Path(PathBuf),
    /// A name in the kernel alone (Linux). Goes with its process; **anybody** in the network namespace may connect.
    Abstract(String),
    /// A TCP port. Port 0: the system chooses. On a loopback address anybody on this machine may connect.
    Tcp(SocketAddr),
}

/// A text that is no address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// None of the three forms.
    #[error("'{0}' is none of unix:PATH, abstract:NAME, tcp:IP:PORT")]
    Form(String),
    /// An address and port that are none.
    #[error("tcp: {0}")]
    Tcp(#[from] AddrParseError),
}

impl Address {
    /// The same for the system calls; `None` for TCP, which has another kind.
    pub(crate) fn unix(&self) -> Result<Option<SocketAddrUnix>, Errno> {
        match self {
            Self::Path(path) => SocketAddrUnix::new(path.as_path()).map(Some),
            Self::Abstract(name) => SocketAddrUnix::new_abstract_name(name.as_bytes()).map(Some),
            Self::Tcp(_) => Ok(None),
        }
    }

    pub(crate) fn family(&self) -> AddressFamily {
        match self {
            Self::Path(_) | Self::Abstract(_) => AddressFamily::UNIX,
            Self::Tcp(SocketAddr::V4(_)) => AddressFamily::INET,
            Self::Tcp(SocketAddr::V6(_)) => AddressFamily::INET6,
        }
    }
}

/// As [`FromStr`] reads it: `unix:/run/me`, `abstract:me`, `tcp:127.0.0.1:4000`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "abstract:{name}"),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.split_once(':') {
            Some(("unix", path)) => Ok(Self::Path(path.into())),
            Some(("abstract", name)) => Ok(Self::Abstract(name.into())),
            Some(("tcp", address)) => Ok(Self::Tcp(address.parse()?)),
            _ => Err(AddressError::Form(text.into())),
        }
    }
}
