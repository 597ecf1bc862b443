//! What people read.

use secrecy::SecretString;

use super::deliver::{new_signing_secret, signature, signing_key, webhook_body};
use super::group::Why;
use super::message::*;
use super::samples::*;
use super::target::{Email, Target, Way, Webhook};
use crate::model::{Money, Severity};
use crate::net::mail::MailTls;

fn message(tell: &[(&crate::db::Alert, Why)]) -> Message {
    Message::of(tell, Some("https://lockstep.example/"), &|_| {
        Some("Australia/Sydney".into())
    })
}

#[test]
fn a_message_says_what_why_what_to_do_by_when_and_what_it_costs() {
    let mut a = alert(7, Severity::Urgent);
    a.title = "Order 1 must be dispatched soon".into();
    a.deadline = Some(later(7_800));
    a.at_stake = Some(Money {
        amount: "20.00".parse().unwrap(),
        currency: "AUD".into(),
    });
    let m = message(&[(&a, Why::New)]);
    assert_eq!(
        m.subject,
        "Lockstep: urgent: Order 1 must be dispatched soon (kestrel/the-iconic)"
    );
    assert_eq!(
        m.text(noon()),
        "URGENT: Order 1 must be dispatched soon
   Where: kestrel/the-iconic
   Why:   Because.
   Do:    Do it.
   By:    Thu 27 Nov 16:10 AEDT, in 2 h 10 min
   Costs: 20.00 AUD when it is late
   See:   https://lockstep.example/orders/kestrel/the-iconic/1
   Alert: 7

Silence what you know of: `lockstep alert ack ID`.
"
    );
    assert!(m.text(later(7_860)).contains("AEDT, 1 min ago"));
}

#[test]
fn subjects_count_and_name_the_channels() {
    let (one, two) = (alert(1, Severity::Warning), alert(2, Severity::Warning));
    let mut far = alert(3, Severity::Urgent);
    far.channel = "tidepool".into();
    let mut farther = alert(4, Severity::Info);
    farther.channel = "practice".into();
    let subject = |tell: &[(&crate::db::Alert, Why)]| message(tell).subject;
    assert_eq!(
        subject(&[(&one, Why::New), (&two, Why::New)]),
        "Lockstep: 2 things need you (kestrel/the-iconic)"
    );
    assert_eq!(
        subject(&[(&one, Why::New), (&far, Why::Worse)]),
        "Lockstep: 2 things need you, 1 urgent (kestrel/the-iconic, kestrel/tidepool)"
    );
    assert_eq!(
        subject(&[(&one, Why::New), (&far, Why::New), (&farther, Why::New)]),
        "Lockstep: 3 things need you, 1 urgent (3 channels)"
    );
    assert_eq!(
        subject(&[(&one, Why::Resolved), (&two, Why::Resolved)]),
        "Lockstep: 2 things are settled (kestrel/the-iconic)"
    );
}

#[test]
fn the_most_urgent_comes_first_and_many_are_cut_short() {
    let mut alerts: Vec<_> = (1..=30).map(|id| alert(id, Severity::Warning)).collect();
    alerts[29] = alert(30, Severity::Urgent);
    let over = alert(31, Severity::Urgent);
    let mut tell: Vec<_> = alerts.iter().map(|a| (a, Why::New)).collect();
    tell.push((&over, Why::Resolved));
    let m = message(&tell);
    assert_eq!(m.alerts.len(), 31, "the webhook has them all");
    let text = m.text(noon());
    assert!(
        text.starts_with("1. URGENT: order-attention 30\n"),
        "{text}"
    );
    assert!(text.contains("\n... and 10 more.\n"), "{text}");
    assert!(
        text.contains("Settled:\n- order-attention 31 (kestrel/the-iconic)\n"),
        "{text}"
    );
}

#[test]
fn a_webhook_is_signed_as_the_scheme_says() {
    // The example of the specification's reference implementations.
    let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let key = signing_key(&secret).unwrap();
    assert_eq!(
        signature(
            &key,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            b"{\"test\": 2432232314}"
        ),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
    assert_eq!(signing_key(&new_signing_secret()).unwrap().len(), 32);
    for wrong in ["secret", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%"] {
        assert!(signing_key(&SecretString::from(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn a_webhooks_body_is_the_same_each_time() {
    let m = message(&[(&alert(1, Severity::Urgent), Why::New)]);
    let kept: Message = serde_json::from_str(&serde_json::to_string(&m).unwrap()).unwrap();
    assert_eq!(webhook_body(&kept, noon()), webhook_body(&m, noon()));
    let body: serde_json::Value = serde_json::from_slice(&webhook_body(&m, noon())).unwrap();
    assert_eq!(body["type"], "lockstep.alerts");
    assert_eq!(body["timestamp"], "2025-11-27T03:00:00Z");
    assert_eq!(body["data"]["version"], 1);
    let told = &body["data"]["alerts"][0];
    assert_eq!(
        (told["why"].as_str(), told["severity"].as_str()),
        (Some("new"), Some("urgent"))
    );
    assert_eq!(told["place"], "kestrel/the-iconic");
}

#[test]
fn a_target_that_cannot_work_is_refused_with_what_to_do() {
    let email = Email {
        server: "smtp.example.com".into(),
        port: 587,
        tls: MailTls::Starttls,
        username: Some("kestrel".into()),
        from: "lockstep@kestrel.example".into(),
        to: vec!["ann@kestrel.example".into()],
    };
    let with = |to: Way| {
        let json = serde_json::json!({"name": "ops", "to": serde_json::to_value(to).unwrap()});
        let target: Target = serde_json::from_value(json).unwrap();
        assert_eq!((target.group_s, target.repeat_h), (120, 12), "the defaults");
        target.check()
    };
    let mail = |change: fn(&mut Email)| {
        let mut email = email.clone();
        change(&mut email);
        with(Way::Email(email))
    };
    mail(|_| ()).unwrap();
    let plain = mail(|e| e.tls = MailTls::None).unwrap_err();
    assert!(plain.contains("readable on its way"), "{plain}");
    mail(|e| (e.tls, e.server) = (MailTls::None, "127.0.0.1".into())).unwrap();
    mail(|e| (e.tls, e.username) = (MailTls::None, None)).unwrap();
    assert!(mail(|e| e.to = vec![]).unwrap_err().contains("receiver"));
    assert!(
        mail(|e| e.to.push("bo".into()))
            .unwrap_err()
            .contains("\"bo\" is no mail address")
    );
    assert!(mail(|e| e.server = "https://x".into()).is_err());
    let hook = |url: &str, allow_local| {
        with(Way::Webhook(Webhook {
            url: url.into(),
            allow_local,
        }))
    };
    hook("https://ops.example/hook", false).unwrap();
    assert!(
        hook("http://ops.example/hook", false)
            .unwrap_err()
            .contains("not https")
    );
    hook("http://127.0.0.1/hook", true).unwrap();
    assert!(hook("ftp://ops.example", true).is_err());
    assert!(hook("https://a:b@ops.example", false).is_err());
}
