//! One to many: what is published comes to all who subscribed, and one who is slow costs what the publisher has decided.
//!
//! ```
//! use std::{thread, time::Duration};
//! use ipc::{Connection, pubsub::{Event, Limits, Policy, Publisher, Subscriber}};
//!
//! let second = Duration::from_secs(1);
//! let publisher = Publisher::new(Limits::default());
//! let (ours, theirs) = Connection::pair()?;
//! let subscriber = thread::spawn(move || Subscriber::new(ours, &["weather/"], second));
//! publisher.admit(theirs, Policy::Drop, second)?;
//! let mut subscriber = subscriber.join().expect("no panic")?;
//!
//! publisher.publish("weather/rain", b"soon")?;
//! publisher.publish("sports/chess", b"a draw")?;
//! publisher.close(second);
//! assert_eq!(subscriber.next(second)?, Event::News { topic: "weather/rain", payload: b"soon" });
//! assert_eq!(subscriber.next(second)?, Event::End);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A sender that waits for every receiver is as fast as the slowest; one that waits for none needs memory without end. There
//! is no third way, so a slow subscriber loses something, and [`Policy`] says what: some messages, its connection, or
//! everybody's time. In each case at most [`Limits::waiting`] messages wait for it.
//!
//! Cost: a thread and two descriptors a subscriber, one copy of a message for all of them. Nothing is kept: who comes late
//! gets what is published from then on.
//!
//! In Python nothing in the standard library; elsewhere the pattern of ZeroMQ, Redis and MQTT.

mod publisher;
mod queue;
mod subscriber;
pub mod wire;

pub use publisher::{Limits, Policy, PublishError, Published, Publisher};
pub use subscriber::{Event, SubscribeError, Subscriber};
