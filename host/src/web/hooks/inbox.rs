//! Stores messages, as many in one transaction as came while the one before was written: a storm of them must neither be
//! answered late nor keep cycles from writing.

use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use crate::db::{Delivery, Error, HintKind, Store, Tx};
use crate::model::{Instant, Key};

/// What a message from Shopify names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// An inventory item, by its gid.
    Item(String),
    /// An order, by its gid.
    Order(String),
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// It was not taken before.
    pub new: bool,
    /// The channel whose order it is about.
    pub owner: Option<Key>,
}

struct Message {
    delivery: Delivery,
    named: Option<(Named, Instant)>,
    reply: oneshot::Sender<Option<Taken>>,
}

#[derive(Clone)]
pub(super) struct Inbox {
    store: Store,
    waiting: Arc<Mutex<Vec<Message>>>,
    writing: Arc<tokio::sync::Mutex<()>>,
}

impl Inbox {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            waiting: Arc::default(),
            writing: Arc::default(),
        }
    }

    /// Stores a message with what it names, and when that happened. None: it could not be stored.
    pub(super) async fn take(
        &self,
        delivery: Delivery,
        named: Option<(Named, Instant)>,
    ) -> Option<Taken> {
        let (reply, answer) = oneshot::channel();
        self.waiting().push(Message {
            delivery,
            named,
            reply,
        });
        // A sender that hangs up must not leave the others' messages unwritten.
        let inbox = self.clone();
        tokio::spawn(async move {
            let _turn = inbox.writing.lock().await;
            let messages = std::mem::take(&mut *inbox.waiting());
            if !messages.is_empty() {
                inbox.write(messages).await;
            }
        });
        answer.await.ok().flatten()
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Message>> {
        self.waiting.lock().expect("never poisoned")
    }

    async fn write(&self, messages: Vec<Message>) {
        let (replies, rows): (Vec<_>, Vec<_>) = messages
            .into_iter()
            .map(|m| (m.reply, (m.delivery, m.named)))
            .unzip();
        let taken = self
            .store
            .write(move |tx| {
                tx.prune_deliveries(Instant::now())?;
                rows.iter()
                    .map(|(delivery, named)| put(tx, delivery, named.as_ref()))
                    .collect::<Result<Vec<_>, _>>()
            })
            .await;
        match taken {
            Ok(taken) => {
                for (reply, taken) in replies.into_iter().zip(taken) {
                    // Whoever asked may have gone.
                    let _ = reply.send(Some(taken));
                }
            }
            Err(e) => {
                tracing::error!("{} webhooks are not stored: {e}", replies.len());
                for reply in replies {
                    let _ = reply.send(None);
                }
            }
        }
    }
}

fn put(tx: &Tx<'_>, delivery: &Delivery, named: Option<&(Named, Instant)>) -> Result<Taken, Error> {
    let mut taken = Taken {
        new: tx.put_delivery(delivery)?,
        owner: None,
    };
    if !taken.new {
        return Ok(taken);
    }
    match named {
        Some((Named::Item(gid), at)) => tx.put_hint(&delivery.key, HintKind::Item, gid, *at)?,
        Some((Named::Order(gid), at)) => {
            taken.owner = tx.channel_of_shop_order(&delivery.key.shop, gid)?;
            if let Some(owner) = &taken.owner {
                tx.put_hint(owner, HintKind::ShopOrder, gid, *at)?;
            }
        }
        None => {}
    }
    Ok(taken)
}
