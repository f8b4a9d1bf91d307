"""A session of kazoo against an ensemble: python3 kazoo-session.py HOSTS. Prints `ok` at the end."""
import sys
import threading

from kazoo.client import KazooClient

hosts = sys.argv[1]
zk = KazooClient(hosts, timeout=8)
zk.start(timeout=20)
assert zk.create("/kazoo", b"one") == "/kazoo"
data, stat = zk.get("/kazoo")
assert (data, stat.version) == (b"one", 0), (data, stat)

changed = threading.Event()
zk.get("/kazoo", watch=lambda event: changed.set())
zk.set("/kazoo", b"two")
assert changed.wait(5), "the watch did not fire"

name = zk.create("/kazoo/item-", b"", ephemeral=True, sequence=True)
assert name == "/kazoo/item-0000000000", name
assert zk.get_children("/kazoo") == ["item-0000000000"]

transaction = zk.transaction()
transaction.create("/kazoo/both", b"")
transaction.check("/kazoo", 1)
results = transaction.commit()
assert results[0] == "/kazoo/both", results

order = []
lock = zk.Lock("/kazoo-lock", "first")
with lock:
    other = KazooClient(hosts, timeout=8)
    other.start(timeout=20)

    def contend():
        with other.Lock("/kazoo-lock", "second"):
            order.append("second")

    thread = threading.Thread(target=contend)
    thread.start()
    thread.join(0.5)
    assert order == [], "two clients held one lock"
    order.append("first")
thread.join(10)
assert order == ["first", "second"], order
other.stop()
zk.stop()
print("ok")
