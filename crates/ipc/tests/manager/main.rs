//! The manager by its proxies: typed values, typed errors, many clients at once, locks whose holder goes, a server that dies.

mod ends;
mod locks;
mod objects;

use std::time::Duration;

use ipc::{
    Address,
    auth::Key,
    manager::{Manager, ManagerServer},
};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(10);

fn key() -> Key {
    Key::new("the key of these tests")
}

fn address(name: &str) -> Address {
    Address::Abstract(format!("rust-ipc-manager-{}-{name}", std::process::id()))
}

fn server(name: &str) -> ManagerServer {
    ManagerServer::start(&address(name), key()).unwrap()
}

fn client(server: &ManagerServer) -> Manager {
    Manager::connect(server.address(), &key()).unwrap()
}
