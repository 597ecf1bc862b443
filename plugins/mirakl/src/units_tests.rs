use super::*;
use serde_json::{Value, json};

fn line(quantity: u32, price: Value, canceled: Value) -> Value {
    json!({"quantity": quantity, "price_unit": 10, "price": price, "cancelations": canceled, "promotions": []})
}

fn of(line: &Value) -> Units {
    read(Node::new(line), "L", &[]).expect("units")
}

#[test]
fn cancellations_are_read_whether_or_not_they_lower_the_quantity() {
    let one = json!([{"quantity": 1, "amount": 10}]);
    for quantity in [3, 2] {
        let units = of(&line(quantity, json!(20), one.clone()));
        assert_eq!(
            (units.ordered, units.canceled, units.doubtful),
            (3, 1, false),
            "{quantity}"
        );
        assert_eq!(
            (units.full, units.unit),
            (Some(Decimal::from(30)), Some(Decimal::from(10)))
        );
    }
    // Everything went.
    for quantity in [2, 0] {
        let units = of(&line(
            quantity,
            json!(0),
            json!([{"quantity": 2, "amount": "20"}]),
        ));
        assert_eq!((units.ordered, units.canceled), (2, 2), "{quantity}");
    }
    // Quantities are informative, and may be missing.
    let units = of(&line(
        3,
        json!(20),
        json!([{"quantity": null, "amount": 10}]),
    ));
    assert_eq!(
        (units.ordered, units.canceled, units.doubtful),
        (3, 1, false)
    );
}

#[test]
fn two_readings_that_differ_are_doubtful() {
    let units = of(&line(3, json!(20), json!([{"quantity": 2, "amount": 10}])));
    assert_eq!((units.canceled, units.doubtful), (1, true));
}

#[test]
fn a_promotion_is_inside_either_price() {
    // Two of 10 with 3 taken off the line's price.
    let mut inside = line(2, json!(17), json!([]));
    inside["promotions"] = json!([{"deduced_amount": 3}]);
    let units = of(&inside);
    assert_eq!(
        (units.ordered, units.unit),
        (2, Some("8.5".parse().expect("8.5")))
    );
    inside["price"] = json!(8.5);
    inside["cancelations"] = json!([{"quantity": 1, "amount": 8.5}]);
    for quantity in [2, 1] {
        inside["quantity"] = json!(quantity);
        let units = of(&inside);
        assert_eq!(
            (units.ordered, units.canceled, units.doubtful),
            (2, 1, false),
            "{quantity}"
        );
    }
}

#[test]
fn a_refund_in_place_of_sending_takes_units() {
    let mut sold = line(3, json!(30), json!([]));
    sold["refunds"] = json!([{"quantity": 1, "amount": 10, "created_date": "2026-03-09T00:00:00Z"},
        {"quantity": 1, "amount": 2}, {"quantity": 0, "amount": 10}]);
    assert_eq!((of(&sold).unsent, of(&sold).left()), (1, 2));
    // What was sent came back.
    sold["shipped_date"] = json!("2026-03-08T00:00:00Z");
    assert_eq!(of(&sold).unsent, 0);
    sold["shipped_date"] = json!("2026-03-10T00:00:00Z");
    assert_eq!(of(&sold).unsent, 1);
    sold["refunds"][0]["excluded_from_shipment"] = json!(false);
    assert_eq!(of(&sold).unsent, 0);
}

#[test]
fn shipped_units_are_those_of_parcels_that_left() {
    let parcel = |status: &str, units: u32| {
        let json = json!({"id": status, "order_id": "O", "status": status,
            "shipment_lines": [{"order_line_id": "L", "quantity": units}]});
        Shipment::read(Node::new(&json)).expect("a shipment")
    };
    let parcels = [
        parcel("SHIPPED", 1),
        parcel("SHIPPING", 1),
        parcel("CANCELED", 4),
    ];
    let parcels: Vec<&Shipment> = parcels.iter().collect();
    let mut sold = line(3, json!(30), json!([]));
    // Units in parcels are not among those refunded in place of being sent.
    sold["refunds"] = json!([{"quantity": 2, "amount": 20}]);
    let units = read(Node::new(&sold), "L", &parcels).expect("units");
    assert_eq!((units.shipped, units.unsent, units.left()), (1, 1, 1));
}

#[test]
fn a_line_without_quantity_or_with_a_broken_price_is_none() {
    assert!(read(Node::new(&json!({"price": 1})), "L", &[]).is_err());
    let broken = json!({"quantity": 1, "price": "much"});
    assert!(read(Node::new(&broken), "L", &[]).is_err());
}
