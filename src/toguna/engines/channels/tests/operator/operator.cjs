// An operator by npm's `smpp`, which knows nothing of Toguna. It prints a line of JSON for what it sees, and reads one for
// what a phone writes: {"from": ..., "to": ..., "text": ...}.
const smpp = require("smpp");
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
let town = null, number = 0;
const server = smpp.createServer({}, (session) => {
  session.on("error", () => {});
  for (const kind of ["bind_transceiver", "bind_transmitter", "bind_receiver"]) {
    session.on(kind, (pdu) => {
      const good = pdu.system_id === "mairie" && pdu.password === "secret";
      session.send(pdu.response({ command_status: good ? 0 : smpp.ESME_RBINDFAIL }));
      if (good && kind !== "bind_transmitter") town = session;
      say({ bound: good });
    });
  }
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => session.send(pdu.response()));
  session.on("submit_sm", (pdu) => {
    const id = `op${++number}`;
    session.send(pdu.response({ message_id: id }));
    say({ to: pdu.destination_addr, from: pdu.source_addr, text: pdu.short_message.message, coding: pdu.data_coding, id });
    if (pdu.registered_delivery) {
      const text = `id:${id} sub:001 dlvrd:001 submit date:2608101200 done date:2608101200 stat:DELIVRD err:000 text:`;
      (town || session).deliver_sm({ source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
        short_message: text, receipted_message_id: id, message_state: 2 });
    }
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => say({ ready: true }));
process.stdin.on("data", (data) => {
  for (const line of String(data).split("\n").filter(Boolean)) {
    const { from, to, text } = JSON.parse(line);
    town.deliver_sm({ source_addr: from, destination_addr: to, source_addr_ton: 1, source_addr_npi: 1, short_message: text });
  }
});
