//! Names and ports that nobody else has.

use std::net::TcpListener;

/// Twelve lower-case hex digits.
#[must_use]
pub fn token() -> String {
    format!("{:012x}", rand::random::<u64>() >> 16)
}

/// A TCP port of 127.0.0.1 that was free a moment ago, chosen by the kernel.
///
/// # Panics
/// When the machine has none left.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port on 127.0.0.1");
    listener.local_addr().expect("a bound socket has an address").port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_twelve_hex_digits() {
        let token = token();
        assert_eq!(token.len(), 12);
        assert!(token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    }

    #[test]
    fn a_free_port_can_be_bound() {
        TcpListener::bind(("127.0.0.1", free_port())).expect("the port is free");
    }
}
