//! One question to one DNS server: over UDP, and over TCP where the answer is too long for that. Does not know what
//! the answer says.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

/// The size of datagram that passes everywhere without being cut up (DNS flag day 2020).
const DATAGRAM: u16 = 1_232;

/// Servers that ignore our limit are still understood up to this size.
const MAX_DATAGRAM: usize = 4_096;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) name: Name,
    pub(super) kind: RecordType,
}

impl Question {
    pub(super) fn new(name: Name, kind: RecordType) -> Self {
        Self { name, kind }
    }

    /// Asks, and waits for the answer without end: the caller has the deadline.
    pub(super) async fn ask(&self, server: SocketAddr) -> io::Result<Message> {
        let message = self.exchange(server, true).await?;
        let code = message.metadata.response_code;
        // Old servers do not know the extension that allows datagrams beyond 512 bytes (RFC 6891 section 7).
        if matches!(code, ResponseCode::FormErr | ResponseCode::NotImp) {
            return self.exchange(server, false).await;
        }
        Ok(message)
    }

    async fn exchange(&self, server: SocketAddr, extended: bool) -> io::Result<Message> {
        let query = self.query(extended);
        let bytes = query.to_vec().map_err(io::Error::other)?;
        let message = self.udp(server, query.metadata.id, &bytes).await?;
        if message.metadata.truncation {
            return self.tcp(server, query.metadata.id, &bytes).await;
        }
        Ok(message)
    }

    fn query(&self, extended: bool) -> Message {
        let mut message = Message::new(rand::random(), MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(self.name.clone(), self.kind));
        if extended {
            let mut edns = Edns::new();
            edns.set_max_payload(DATAGRAM);
            message.set_edns(edns);
        }
        message
    }

    /// Every question has a port of its own, which the system picks at random: with the number of the message that is
    /// what a forger would have to guess (RFC 5452). What does not answer the question is passed over.
    async fn udp(&self, server: SocketAddr, id: u16, query: &[u8]) -> io::Result<Message> {
        let any: SocketAddr = match server {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(server).await?;
        socket.send(query).await?;
        let mut datagram = [0; MAX_DATAGRAM];
        loop {
            let length = socket.recv(&mut datagram).await?;
            let message = datagram.get(..length).map(Message::from_vec);
            if let Some(Ok(message)) = message
                && self.is_answered_by(&message, id)
            {
                return Ok(message);
            }
        }
    }

    async fn tcp(&self, server: SocketAddr, id: u16, query: &[u8]) -> io::Result<Message> {
        let mut stream = TcpStream::connect(server).await?;
        let length = u16::try_from(query.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), query].concat()).await?;
        let length = stream.read_u16().await?;
        let mut bytes = vec![0; length.into()];
        stream.read_exact(&mut bytes).await?;
        let message = Message::from_vec(&bytes).map_err(io::Error::other)?;
        if self.is_answered_by(&message, id) {
            Ok(message)
        } else {
            Err(io::Error::other("it answers another question"))
        }
    }

    fn is_answered_by(&self, message: &Message, id: u16) -> bool {
        let about = match &message.queries[..] {
            [query] => query.name == self.name && query.query_type == self.kind,
            // Who cannot read a question cannot repeat it.
            [] => message.metadata.response_code == ResponseCode::FormErr,
            _ => false,
        };
        message.metadata.id == id && message.metadata.message_type == MessageType::Response && about
    }
}
