//! Wrong use, a broken machine, a second host: a clear error each, and nothing lost.

use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};

use crate::world::{KEY, World};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_use_is_told_with_what_to_do() {
    let world = World::bare(60).await;
    world
        .run(&["status"])
        .await
        .code(2)
        .says("create one with `lockstep init`");
    world.run(&["init"]).await.code(0);
    world
        .run(&["status"])
        .await
        .code(2)
        .says("add one with `lockstep channel add");
    world
        .run(&[
            "shop",
            "add",
            "Kestrel Surf",
            "--domain",
            "x.myshopify.com",
            "--client-id",
            "a",
        ])
        .await
        .code(2)
        .says("lower-case letters, digits and dashes");
    world
        .run(&["shop", "add", "kestrel", "--domain", "x.myshopify.com"])
        .await
        .code(2)
        .says("--client-id");
    world
        .run(&["channel", "add", "kestrel", "--plugin", "the-iconic"])
        .await
        .code(2)
        .says("SHOP/CHANNEL");
    world
        .add_channel(&[])
        .await
        .code(2)
        .says("there is no shop \"kestrel\"");
    world.add_shop().await.code(0);
    world
        .run(&["channel", "add", KEY, "--plugin", "the-ironic"])
        .await
        .code(2)
        .says("there is no plugin \"the-ironic\"; there are: bundles");
    world
        .add_channel(&["bufer=2"])
        .await
        .code(2)
        .says("there is no setting \"bufer\"");
    world
        .add_channel(&["buffer=many"])
        .await
        .code(2)
        .says("setting buffer");
    world.add_channel(&[]).await.code(0);
    world.add_channel(&[]).await.code(2).says("exists");
    world
        .run(&["explain", "no-such-thing"])
        .await
        .code(2)
        .says("nothing is known of");
    world
        .run(&["retry", "1"])
        .await
        .code(2)
        .says("no order \"1\" is known");
    world
        .run(&["approve", "kestrel/other"])
        .await
        .code(2)
        .says("there are: kestrel/the-iconic");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_store_nothing() {
    let world = World::bare(60).await;
    world.run(&["init"]).await.code(0);
    let url = world.sandbox.shopify.url();
    let mut wrong = world.command();
    wrong.env("LOCKSTEP_SHOP_SECRET", "not-the-secret").args([
        "shop",
        "add",
        "kestrel",
        "--base-url",
        &url,
        "--client-id",
        "nobody",
        "--allow-local",
    ]);
    let ran = wrong.output().await.unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&ran.stderr).contains("credentials rejected"),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    world
        .run(&["shop", "list", "--json"])
        .await
        .code(0)
        .says("[]");
    // Plain http is for a sandbox only, and must be asked for.
    world
        .run(&[
            "shop",
            "add",
            "kestrel",
            "--base-url",
            &url,
            "--client-id",
            "a",
        ])
        .await
        .says("https");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_shop_is_told_apart_from_wrong_use() {
    let world = World::bare(60).await;
    world.run(&["init"]).await.code(0);
    world
        .run(&[
            "shop",
            "add",
            "kestrel",
            "--base-url",
            "http://127.0.0.1:9",
            "--client-id",
            "a",
            "--allow-local",
        ])
        .await
        .code(4)
        .says("127.0.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_is_refused_and_commands_work_beside_the_first() {
    let world = World::in_step(60).await;
    let mut first = world.start(&["run"]);
    // It says what it works once the directory is its own. The reader stays: a closed pipe would end the host.
    let mut said = BufReader::new(first.stdout.take().unwrap()).lines();
    let works = async {
        while let Some(line) = said.next_line().await.unwrap() {
            if line.starts_with("Working") {
                return true;
            }
        }
        false
    };
    let begun = tokio::time::timeout(Duration::from_secs(60), works).await;
    assert!(begun.unwrap(), "the first host takes the directory");
    world
        .run(&["run"])
        .await
        .code(3)
        .says("in use by another lockstep process");
    world.run(&["sync"]).await.code(3);
    world
        .run(&["status"])
        .await
        .code(0)
        .says("Nothing needs you");
    let (order, _) = world.story(1).buy_on_channel(1).unwrap();
    let appeared = async {
        while world
            .sandbox
            .shopify
            .order_by_name(&order.number)
            .is_empty()
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), appeared)
        .await
        .expect("the running host imports the order");
    world
        .run(&["explain", &order.number])
        .await
        .code(0)
        .says("created");
    world
        .run(&["channel", "set", KEY, "buffer=1"])
        .await
        .code(0);
    let kill = std::process::Command::new("kill")
        .args(["-TERM", &first.id().unwrap().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let end = tokio::time::timeout(Duration::from_secs(30), first.wait())
        .await
        .expect("SIGTERM ends it")
        .unwrap();
    assert_eq!(end.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_told_and_a_backup_brings_everything_back() {
    let world = World::in_step(60).await;
    let backup = world.data.path().join("backup.db");
    let backup = backup.to_str().unwrap();
    world
        .run(&["backup", backup])
        .await
        .code(0)
        .says("verified");
    world.run(&["backup", backup]).await.code(2).says("exists");
    // An order that is imported after the backup was made must not be imported again.
    let (order, _) = world.story(1).buy_on_channel(1).unwrap();
    world.settle().await;
    let path = world.data.path().join("lockstep.db");
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    let mut file = std::fs::File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(&[0x5a; 8192]).unwrap();
    drop(file);
    world
        .run(&["status"])
        .await
        .code(1)
        .says("restore the last backup");
    world
        .run(&["restore", backup])
        .await
        .code(0)
        .says("before-restore");
    world.run(&["check"]).await.code(0).says("sound");
    world.settle().await;
    world.settle().await;
    assert_eq!(world.sandbox.shopify.order_by_name(&order.number).len(), 1);
    world.assert_sound("after the backup was restored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_is_told() {
    let world = World::in_step(60).await;
    let other = rusqlite::Connection::open(world.data.path().join("lockstep.db")).unwrap();
    other.execute_batch("begin exclusive").unwrap();
    world
        .run(&["channel", "pause", KEY])
        .await
        .code(1)
        .says("locked by another program");
    other.execute_batch("rollback").unwrap();
    world.run(&["channel", "pause", KEY]).await.code(0);
}

/// A small file system of its own, taken away at the end.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount(bytes: u64) -> anyhow::Result<Self> {
        let place = tempfile::TempDir::new()?;
        let output = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(place.path())
            .output()?;
        anyhow::ensure!(
            output.status.success(),
            "mount: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(Self(place))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg(self.0.path())
            .status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_nothing_is_lost() {
    let mut world = World::in_step(60).await;
    let mut story = world.story(2);
    let disk = match Disk::mount(64 << 20) {
        Ok(disk) => disk,
        Err(why) => return crate::skipped("a small file system (it takes root)", &why),
    };
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(format!("{}/.", world.data.path().display()))
        .arg(disk.0.path())
        .status()
        .unwrap();
    assert!(copied.success());
    let former = std::mem::replace(&mut world.place, disk.0.path().to_owned());
    for _ in 0..3 {
        story.buy_on_channel(2).unwrap();
    }
    let filler = disk.0.path().join("filler");
    let filled = std::process::Command::new("dd")
        .args(["if=/dev/zero", &format!("of={}", filler.display()), "bs=4k"])
        .output()
        .unwrap();
    assert!(!filled.status.success(), "the disk was to be full");
    let ran = world.run(&["sync"]).await;
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran.code(1).says("the disk that holds the database is full");
    std::fs::remove_file(filler).unwrap();
    world.settle().await;
    world.settle().await;
    world.assert_sound("after the disk had been full");
    world.place = former;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_and_broken_plugins_are_rows_with_an_error() {
    let world = World::in_step(60).await;
    let plugins = world.data.path().join("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    std::fs::write(plugins.join("text.wasm"), "hello").unwrap();
    std::fs::write(
        plugins.join("module.wasm"),
        [0, b'a', b's', b'm', 1, 0, 0, 0],
    )
    .unwrap();
    std::fs::write(plugins.join("empty.wasm"), "").unwrap();
    let ran = world.run(&["plugin", "list"]).await.code(1);
    let ran = ran
        .says("text.wasm")
        .says("module.wasm")
        .says("empty.wasm")
        .says("cannot be used");
    assert!(ran.out.contains("THE ICONIC"));
    world.run(&["sync"]).await.code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_is_told() {
    let world = World::in_step(60).await;
    let key = world.data.path().join("key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let ran = world.run(&["sync"]).await;
    assert_ne!(ran.status.code(), Some(0));
    ran.says("key");
    let _ = std::fs::remove_file(&key);
    std::fs::write(&key, kept).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    world.run(&["sync"]).await.code(0);
}
