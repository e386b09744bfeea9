"""Do all devices agree? Hundreds of them, offline and online by chance, against a system whose processes keep dying.

`run.converge` starts client processes (`fleet`), each with many devices (`device`: a SyncClient and a player). Their
clocks are wrong, and their requests are repeated, dropped after they were sent, and sent again later, out of order
(`faulty_transport`). Client processes, services and materializers are killed meanwhile. What the devices were promised
and what they saw stands in journals (`journal`); at the end everybody goes online, and `verdict` compares what all
devices show, what the APIs answer, what the log holds, and what follows from the operations themselves (`oracle`, which
shares no code with the laws it checks).
"""
