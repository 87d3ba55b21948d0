/* How lwIP is configured: one interface, IPv4, one thread, memory from the WebAssembly heap. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

/* One thread: the host calls in, nothing calls itself. */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0

/* Pools would fix the number of connections at build time. build.sh bounds the heap instead. */
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 4

#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ARP 1
#define LWIP_ICMP 1
#define LWIP_RAW 1 /* to receive echo replies */
#define LWIP_UDP 1
#define LWIP_DNS 0
#define LWIP_IGMP 0
#define LWIP_STATS 0

/* Many connections at once begin with one unresolved address: their first packets wait for it, all of them. */
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN 512
/* A ping of 64 KiB is 45 fragments. */
#define IP_REASS_MAX_PBUFS 48
#define LWIP_BROADCAST_PING 0

#define LWIP_DHCP 1
/* Nobody else is on the link who could have the address. */
#define DHCP_DOES_ARP_CHECK 0
#define LWIP_NETIF_HOSTNAME 1

#define LWIP_TCP 1
#define TCP_MSS 1460
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 3
#define TCP_WND (128 * TCP_MSS)
#define TCP_SND_BUF (128 * TCP_MSS)
/* Only select() of the socket interface reads it, but its default would not fit 16 bits. */
#define TCP_SNDLOWAT 32768
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_PBUFS 256
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_KEEPALIVE 1
/* Milliseconds. Twice this is lwIP's unit for retransmission, whose least time becomes Linux's 200 to 300. */
#define TCP_TMR_INTERVAL 50
/* Milliseconds. A wire of no length delivers no segment late; TIME_WAIT lasts twice this and holds a port. */
#define TCP_MSL 5000

#define LWIP_HOOK_FILENAME "hooks.h"
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) host_random()
#define LWIP_HOOK_IP4_INPUT(packet, interface) refuse_foreign(packet, interface)

#endif
