/*
 * lwIP with one Ethernet interface, as a WebAssembly module.
 *
 * The host calls the exports below and is called back through the imports named host_*. It must not call an export from
 * within a callback. IPv4 addresses are numbers in host order (192.168.1.1 is 0xc0a80101). A connection is the pointer
 * to its pcb on the way in and the host's own number for it on the way out; the pointer is void after host_failed,
 * after release and after abort.
 */
#include <string.h>
#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/icmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/dhcp.h"
#include "lwip/raw.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"
#include "hooks.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define IMPORT(name) __attribute__((import_module("host"), import_name(#name)))

/* An Ethernet frame without its checksum. */
#define FRAME_BYTES 1514
/* One write; lwIP takes 16 bits. */
#define SCRATCH_BYTES 32768
/* Milliseconds to the first repetition of a SYN (RFC 6298); lwIP's own three are for slow links. */
#define FIRST_RTO_MS 1000
/* A router that was switched off without a word is noticed in a minute. */
#define KEEP_IDLE_MS 15000
#define KEEP_INTERVAL_MS 5000
#define KEEP_COUNT 9
/* Marks our echo requests. */
#define ECHO_ID 0x4f57

IMPORT(now) u32_t host_now(void);
IMPORT(frame) void host_frame(const void *frame, u32_t length);
/* bound: the address is leased; a server of 0 is unknown */
IMPORT(address) void host_address(u32_t bound, u32_t address, u32_t netmask, u32_t gateway, u32_t server);
IMPORT(connected) void host_connected(u32_t id);
/* The host's number for a new connection; 0 refuses it. */
IMPORT(accepted) u32_t host_accepted(u32_t listener, struct tcp_pcb *pcb);
IMPORT(data) void host_data(u32_t id, const void *data, u32_t length);
IMPORT(ended) void host_ended(u32_t id);
IMPORT(sent) void host_sent(u32_t id);
IMPORT(failed) void host_failed(u32_t id, s32_t error);
IMPORT(datagram) void host_datagram(u32_t id, u32_t address, u32_t port, const void *data, u32_t length);
IMPORT(echo) void host_echo(u32_t address, u32_t sequence);

static struct netif netif;
static u8_t scratch[SCRATCH_BYTES];
static u8_t refusing;
/* The longest time between two DHCP requests, in units of lwIP's timer for it (500 ms). */
static u16_t dhcp_pace = 2;
static struct { u32_t bound, address, netmask, gateway, server; } told;

u32_t sys_now(void) { return host_now(); }

static ip_addr_t to_ip(u32_t address) {
  ip_addr_t ip = IPADDR4_INIT(lwip_htonl(address));
  return ip;
}
static u32_t from_ip(const ip4_addr_t *ip) { return lwip_ntohl(ip4_addr_get_u32(ip)); }
static void *from_id(u32_t id) { return (void *)(uintptr_t)id; }
static u32_t to_id(void *arg) { return (u32_t)(uintptr_t)arg; }

/* ---- the interface ---- */

static err_t send_frame(struct netif *unused, struct pbuf *p) {
  static u8_t frame[FRAME_BYTES];
  (void)unused;
  if (p->tot_len > FRAME_BYTES) return ERR_BUF;
  if (p->next == NULL) {
    host_frame(p->payload, p->len);
  } else {
    pbuf_copy_partial(p, frame, p->tot_len, 0);
    host_frame(frame, p->tot_len);
  }
  return ERR_OK;
}

static err_t set_up(struct netif *interface) {
  interface->name[0] = 'e';
  interface->name[1] = 'n';
  interface->hostname = "playground";
  interface->mtu = 1500;
  interface->hwaddr_len = ETH_HWADDR_LEN;
  memcpy(interface->hwaddr, scratch, ETH_HWADDR_LEN);
  interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
  interface->output = etharp_output;
  interface->linkoutput = send_frame;
  return ERR_OK;
}

/* Tells the host about a change of the address or of where it comes from. */
static void tell_address(void) {
  const struct dhcp *dhcp = netif_dhcp_data(&netif);
  u32_t bound = dhcp != NULL && dhcp_supplied_address(&netif);
  u32_t address = from_ip(netif_ip4_addr(&netif));
  u32_t netmask = from_ip(netif_ip4_netmask(&netif));
  u32_t gateway = from_ip(netif_ip4_gw(&netif));
  u32_t server = bound ? from_ip(ip_2_ip4(&dhcp->server_ip_addr)) : 0;
  if (bound == told.bound && address == told.address && netmask == told.netmask && gateway == told.gateway &&
      server == told.server)
    return;
  told.bound = bound;
  told.address = address;
  told.netmask = netmask;
  told.gateway = gateway;
  told.server = server;
  host_address(bound, address, netmask, gateway, server);
}

static u8_t receive_echo(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from) {
  struct icmp_echo_hdr reply;
  u16_t header = (u16_t)(IPH_HL((const struct ip_hdr *)p->payload) * 4);
  (void)arg;
  (void)pcb;
  if (pbuf_copy_partial(p, &reply, sizeof reply, header) != sizeof reply) return 0;
  if (reply.type != ICMP_ER || reply.id != lwip_htons(ECHO_ID)) return 0;
  host_echo(from_ip(ip_2_ip4(from)), lwip_ntohs(reply.seqno));
  pbuf_free(p);
  return 1;
}

static struct raw_pcb *echoes;

/* Once, with the hardware address in the scratch buffer. */
EXPORT(start) void shim_start(void) {
  lwip_init();
  netif_add(&netif, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4, NULL, set_up, netif_input);
  netif_set_default(&netif);
  netif_set_up(&netif);
  echoes = raw_new(IP_PROTO_ICMP);
  raw_recv(echoes, receive_echo, NULL);
  raw_bind(echoes, IP4_ADDR_ANY);
}

/* Where the host puts frames, data to write, datagrams and, before start, the hardware address. */
EXPORT(scratch) u8_t *shim_scratch(void) { return scratch; }
EXPORT(scratch_bytes) u32_t shim_scratch_bytes(void) { return SCRATCH_BYTES; }

EXPORT(receive) void shim_receive(u32_t length) {
  struct pbuf *p;
  if (length < SIZEOF_ETH_HDR || length > FRAME_BYTES) return;
  p = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);
  if (p == NULL) return;
  pbuf_take(p, scratch, (u16_t)length);
  if (netif.input(p, &netif) != ERR_OK) pbuf_free(p);
  tell_address();
}

/* Runs what is due. */
EXPORT(tick) void shim_tick(void) {
  struct dhcp *dhcp;
  sys_check_timeouts();
  dhcp = netif_dhcp_data(&netif);
  if (dhcp != NULL && dhcp->request_timeout > dhcp_pace && !dhcp_supplied_address(&netif))
    dhcp->request_timeout = dhcp_pace;
  tell_address();
}

/* Milliseconds until tick has something to do. */
EXPORT(sleep) u32_t shim_sleep(void) { return sys_timeouts_sleeptime(); }

/* ---- addresses ---- */

EXPORT(set_address) void shim_set_address(u32_t address, u32_t netmask, u32_t gateway) {
  ip_addr_t ip = to_ip(address), mask = to_ip(netmask), gw = to_ip(gateway);
  netif_set_addr(&netif, ip_2_ip4(&ip), ip_2_ip4(&mask), ip_2_ip4(&gw));
  tell_address();
}

/* Looks for a server from the beginning; an address that is set stays until one is leased. */
EXPORT(dhcp_discover) void shim_dhcp_discover(void) {
  dhcp_start(&netif);
  tell_address();
}

/* Asks whether the lease still holds, as after a change of networks; without a lease it looks for one. */
EXPORT(dhcp_verify) void shim_dhcp_verify(void) {
  dhcp_network_changed(&netif);
  tell_address();
}

/* Without giving the lease back. */
EXPORT(dhcp_stop) void shim_dhcp_stop(void) {
  struct dhcp *dhcp = netif_dhcp_data(&netif);
  if (dhcp == NULL) return;
  /* From a state without a lease, lwIP neither gives the address back nor drops it. */
  dhcp->state = DHCP_STATE_INIT;
  dhcp_release_and_stop(&netif);
  dhcp_cleanup(&netif);
  tell_address();
}

EXPORT(dhcp_set_pace) void shim_dhcp_set_pace(u32_t milliseconds) {
  u32_t units = milliseconds / DHCP_FINE_TIMER_MSECS;
  dhcp_pace = (u16_t)LWIP_MAX(1, LWIP_MIN(units, 120));
}

EXPORT(arp_request) void shim_arp_request(u32_t address) {
  ip_addr_t ip = to_ip(address);
  etharp_request(&netif, ip_2_ip4(&ip));
}

/* ---- ICMP ---- */

EXPORT(echo_request) s32_t shim_echo_request(u32_t address, u32_t sequence) {
  ip_addr_t ip = to_ip(address);
  struct icmp_echo_hdr *request;
  struct pbuf *p = pbuf_alloc(PBUF_IP, sizeof *request, PBUF_RAM);
  err_t error;
  if (p == NULL) return ERR_MEM;
  request = p->payload;
  memset(request, 0, sizeof *request);
  request->type = ICMP_ECHO;
  request->id = lwip_htons(ECHO_ID);
  request->seqno = lwip_htons((u16_t)sequence);
  request->chksum = inet_chksum(request, sizeof *request);
  error = raw_sendto(echoes, p, &ip);
  pbuf_free(p);
  return error;
}

/* From now on, what is sent through us to another network is answered with "net unreachable". */
EXPORT(refuse_foreign) void shim_refuse_foreign(u32_t on) { refusing = on != 0; }

int refuse_foreign(struct pbuf *p, struct netif *interface) {
  const struct ip_hdr *ip = p->payload;
  u16_t header;
  ip4_addr_t to, from;
  if (!refusing || p->len < IP_HLEN) return 0;
  header = IPH_HL_BYTES(ip);
  if (header < IP_HLEN || header > p->len || lwip_ntohs(IPH_LEN(ip)) > p->tot_len) return 0;
  ip4_addr_copy(to, ip->dest);
  ip4_addr_copy(from, ip->src);
  if (ip4_addr_cmp(&to, netif_ip4_addr(interface)) || ip4_addr_isbroadcast(&to, interface) || ip4_addr_ismulticast(&to))
    return 0;
  /* RFC 1122, 3.2.2: never about an error, a later fragment or a sender that is not one host. */
  if (!ip4_addr_isany_val(from) && !ip4_addr_isbroadcast(&from, interface) && !ip4_addr_ismulticast(&from) &&
      (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK)) == 0 && inet_chksum(ip, header) == 0 &&
      (IPH_PROTO(ip) != IP_PROTO_ICMP || pbuf_get_at(p, header) == ICMP_ECHO))
    icmp_dest_unreach(p, ICMP_DUR_NET);
  pbuf_free(p);
  return 1;
}

/* ---- TCP ---- */

static err_t on_data(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error) {
  const struct pbuf *part;
  (void)pcb;
  (void)error;
  if (p == NULL) {
    host_ended(to_id(arg));
    return ERR_OK;
  }
  for (part = p; part != NULL; part = part->next) host_data(to_id(arg), part->payload, part->len);
  pbuf_free(p);
  return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t length) {
  (void)pcb;
  (void)length;
  host_sent(to_id(arg));
  return ERR_OK;
}

static void on_error(void *arg, err_t error) { host_failed(to_id(arg), error); }

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error) {
  (void)pcb;
  (void)error;
  host_connected(to_id(arg));
  return ERR_OK;
}

static void attach(struct tcp_pcb *pcb, u32_t id) {
  tcp_arg(pcb, from_id(id));
  tcp_recv(pcb, on_data);
  tcp_sent(pcb, on_sent);
  tcp_err(pcb, on_error);
  tcp_nagle_disable(pcb);
  ip_set_option(pcb, SOF_KEEPALIVE);
  pcb->keep_idle = KEEP_IDLE_MS;
  pcb->keep_intvl = KEEP_INTERVAL_MS;
  pcb->keep_cnt = KEEP_COUNT;
}

static void detach(struct tcp_pcb *pcb) {
  tcp_arg(pcb, NULL);
  tcp_recv(pcb, NULL);
  tcp_sent(pcb, NULL);
  tcp_err(pcb, NULL);
}

/* NULL: no address, no port or no memory. */
EXPORT(tcp_connect) struct tcp_pcb *shim_tcp_connect(u32_t id, u32_t address, u32_t port) {
  ip_addr_t ip = to_ip(address);
  struct tcp_pcb *pcb = tcp_new();
  if (pcb == NULL) return NULL;
  pcb->rto = pcb->sv = FIRST_RTO_MS / TCP_SLOW_INTERVAL;
  attach(pcb, id);
  if (tcp_connect(pcb, &ip, (u16_t)port, on_connected) == ERR_OK) return pcb;
  detach(pcb);
  tcp_abort(pcb);
  return NULL;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t error) {
  u32_t id;
  if (error != ERR_OK || pcb == NULL) return ERR_VAL;
  id = host_accepted(to_id(arg), pcb);
  if (id == 0) {
    tcp_abort(pcb);
    return ERR_ABRT;
  }
  attach(pcb, id);
  return ERR_OK;
}

/* NULL: the port is taken. */
EXPORT(tcp_listen) struct tcp_pcb *shim_tcp_listen(u32_t id, u32_t port) {
  struct tcp_pcb *listener, *pcb = tcp_new();
  if (pcb == NULL) return NULL;
  listener = tcp_bind(pcb, IP4_ADDR_ANY, (u16_t)port) == ERR_OK ? tcp_listen(pcb) : NULL;
  if (listener == NULL) {
    tcp_abort(pcb);
    return NULL;
  }
  tcp_arg(listener, from_id(id));
  tcp_accept(listener, on_accept);
  return listener;
}

EXPORT(tcp_unlisten) void shim_tcp_unlisten(struct tcp_pcb *listener) { tcp_close(listener); }

/* Takes what it can of the scratch buffer, and says how much. */
EXPORT(tcp_write) u32_t shim_tcp_write(struct tcp_pcb *pcb, u32_t length) {
  u32_t room = tcp_sndbuf(pcb);
  if (length > room) length = room;
  if (length == 0) return 0;
  if (tcp_write(pcb, scratch, (u16_t)length, TCP_WRITE_FLAG_COPY) != ERR_OK) length = 0;
  tcp_output(pcb);
  return length;
}

/* The host has done with that many bytes: the window opens again. */
EXPORT(tcp_consumed) void shim_tcp_consumed(struct tcp_pcb *pcb, u32_t length) {
  while (length > 0) {
    u16_t part = (u16_t)LWIP_MIN(length, 0xffff);
    tcp_recved(pcb, part);
    length -= part;
  }
}

/* FIN after all that was written; data still comes in. */
EXPORT(tcp_finish) s32_t shim_tcp_finish(struct tcp_pcb *pcb) {
  err_t error = tcp_shutdown(pcb, 0, 1);
  if (error == ERR_OK) tcp_output(pcb);
  return error;
}

/* Both sides have finished: lwIP sees to the rest. */
EXPORT(tcp_release) void shim_tcp_release(struct tcp_pcb *pcb) { detach(pcb); }

EXPORT(tcp_abort) void shim_tcp_abort(struct tcp_pcb *pcb) {
  detach(pcb);
  tcp_abort(pcb);
}

/* ---- UDP ---- */

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port) {
  static u8_t datagram[0xffff];
  u16_t length = pbuf_copy_partial(p, datagram, p->tot_len, 0);
  u32_t address = from_ip(ip_2_ip4(from));
  (void)pcb;
  pbuf_free(p);
  host_datagram(to_id(arg), address, port, datagram, length);
}

/* NULL: the port is taken. */
EXPORT(udp_open) struct udp_pcb *shim_udp_open(u32_t id, u32_t port) {
  struct udp_pcb *pcb = udp_new();
  if (pcb == NULL) return NULL;
  if (udp_bind(pcb, IP4_ADDR_ANY, (u16_t)port) != ERR_OK) {
    udp_remove(pcb);
    return NULL;
  }
  ip_set_option(pcb, SOF_BROADCAST);
  udp_recv(pcb, on_datagram, from_id(id));
  return pcb;
}

/* Sends the scratch buffer. */
EXPORT(udp_send) s32_t shim_udp_send(struct udp_pcb *pcb, u32_t address, u32_t port, u32_t length) {
  ip_addr_t ip = to_ip(address);
  struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)length, PBUF_RAM);
  err_t error;
  if (p == NULL) return ERR_MEM;
  pbuf_take(p, scratch, (u16_t)length);
  error = udp_sendto(pcb, p, &ip, (u16_t)port);
  pbuf_free(p);
  return error;
}

EXPORT(udp_close) void shim_udp_close(struct udp_pcb *pcb) { udp_remove(pcb); }
