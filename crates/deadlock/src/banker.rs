//! Resources with several units, and known maxima: the banker lends only if afterwards he can still serve everybody to
//! the end, one after the other (Dijkstra, EWD 108, 1964; several kinds: Habermann, CACM 1969).
//!
//! ```
//! use deadlock::banker::{Answer, Banker};
//!
//! // Ten units of one kind; two customers who may need up to eight and six.
//! let mut banker = Banker::new([10], vec![[8], [6]])?;
//! assert_eq!(banker.request(0, [5])?, Answer::Granted);
//! assert_eq!(banker.request(1, [3])?, Answer::Unsafe); // two are left: neither could get all he may need
//! assert_eq!(banker.request(1, [2])?, Answer::Granted); // three are left: enough for the first
//! assert_eq!(banker.safe_order(), Some(vec![0, 1]));
//! # Ok::<(), deadlock::banker::BankerError>(())
//! ```
//!
//! # Limits
//! The number of customers and their maxima must be known before; nobody may die with what he has; and a state that is
//! unsafe need not end in a deadlock, so the banker refuses what might have gone well. That is why systems order their
//! locks instead, and use this for what comes in units: memory, tape drives, connections.

use std::array;

use thiserror::Error;

/// Units of each of `K` kinds of resource.
pub type Units<const K: usize> = [u32; K];

/// Lends `K` kinds of resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Banker<const K: usize> {
    free: Units<K>,
    /// The most that each customer will ever have at a time.
    most: Vec<Units<K>>,
    /// What each has.
    lent: Vec<Units<K>>,
}

/// What the banker says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The customer has it now.
    Granted,
    /// There is not as much at this moment: wait until something comes back.
    NotThere,
    /// There is, but then it could happen that nobody can be served to the end: wait.
    Unsafe,
}

/// A request that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BankerError {
    /// The maximum is more than there is in all.
    #[error("customer {0} may need more than there is")]
    MoreThanThereIs(usize),
    /// A customer asks for more than his maximum.
    #[error("customer {0} asks for more than the maximum that was agreed")]
    MoreThanAgreed(usize),
    /// A customer returns more than he has.
    #[error("customer {0} returns more than he has")]
    MoreThanLent(usize),
    /// There is no such customer.
    #[error("there is no customer {0}")]
    Nobody(usize),
}

impl<const K: usize> Banker<K> {
    /// Has `units` to lend, to customers who may each have so `most` at a time.
    ///
    /// # Errors
    /// When a customer may need more than there is.
    pub fn new(units: Units<K>, most: Vec<Units<K>>) -> Result<Self, BankerError> {
        match most.iter().position(|most| !fits(most, &units)) {
            Some(customer) => Err(BankerError::MoreThanThereIs(customer)),
            None => Ok(Self { free: units, lent: vec![[0; K]; most.len()], most }),
        }
    }

    // ANCHOR: request
    /// Lends `wanted` to `customer` if the state is safe afterwards.
    ///
    /// # Errors
    /// When it is more than was agreed.
    pub fn request(&mut self, customer: usize, wanted: Units<K>) -> Result<Answer, BankerError> {
        if !fits(&wanted, &self.need(customer)?) {
            return Err(BankerError::MoreThanAgreed(customer));
        }
        if !fits(&wanted, &self.free) {
            return Ok(Answer::NotThere);
        }
        let mut after = self.clone();
        after.lend(customer, wanted);
        if after.safe_order().is_none() {
            return Ok(Answer::Unsafe);
        }
        *self = after;
        Ok(Answer::Granted)
    }

    /// An order in which all customers can be served to the end, even if each asks at once for all he may; `None` if
    /// the state is unsafe.
    ///
    /// Whoever can be served now may be served first: he gives all back, which hurts nobody. So no order must be tried
    /// twice, and it takes n^2 looks for n customers.
    pub fn safe_order(&self) -> Option<Vec<usize>> {
        let mut free = self.free;
        let mut order: Vec<usize> = Vec::new();
        let customers = self.lent.len();
        while order.len() < customers {
            let can_end = |customer: &usize| {
                !order.contains(customer) && self.need(*customer).is_ok_and(|need| fits(&need, &free))
            };
            let next = (0..customers).find(can_end)?;
            free = array::from_fn(|kind| free[kind] + self.lent[next][kind]);
            order.push(next);
        }
        Some(order)
    }
    // ANCHOR_END: request

    /// Lends without looking whether it is safe: what a banker does who goes bankrupt.
    ///
    /// # Errors
    /// When it is more than was agreed.
    pub fn request_carelessly(&mut self, customer: usize, wanted: Units<K>) -> Result<Answer, BankerError> {
        if !fits(&wanted, &self.need(customer)?) {
            return Err(BankerError::MoreThanAgreed(customer));
        }
        if !fits(&wanted, &self.free) {
            return Ok(Answer::NotThere);
        }
        self.lend(customer, wanted);
        Ok(Answer::Granted)
    }

    /// Takes `units` back from `customer`.
    ///
    /// # Errors
    /// When he has not as much.
    pub fn give_back(&mut self, customer: usize, units: Units<K>) -> Result<(), BankerError> {
        let lent = self.lent.get_mut(customer).ok_or(BankerError::Nobody(customer))?;
        if !fits(&units, lent) {
            return Err(BankerError::MoreThanLent(customer));
        }
        *lent = array::from_fn(|kind| lent[kind] - units[kind]);
        self.free = array::from_fn(|kind| self.free[kind] + units[kind]);
        Ok(())
    }

    /// What `customer` may still ask for.
    ///
    /// # Errors
    /// When there is no such customer.
    pub fn need(&self, customer: usize) -> Result<Units<K>, BankerError> {
        let most = self.most.get(customer).ok_or(BankerError::Nobody(customer))?;
        Ok(array::from_fn(|kind| most[kind] - self.lent[customer][kind]))
    }

    /// What each customer has.
    pub fn lent(&self) -> &[Units<K>] {
        &self.lent
    }

    /// What is not lent.
    pub fn free(&self) -> Units<K> {
        self.free
    }

    fn lend(&mut self, customer: usize, units: Units<K>) {
        let lent = self.lent[customer];
        self.lent[customer] = array::from_fn(|kind| lent[kind] + units[kind]);
        self.free = array::from_fn(|kind| self.free[kind] - units[kind]);
    }
}

fn fits<const K: usize>(wanted: &Units<K>, there: &Units<K>) -> bool {
    wanted.iter().zip(there).all(|(wanted, there)| wanted <= there)
}
