/* What lwIP calls in shim.c. */
#ifndef HOOKS_H
#define HOOKS_H

#include "lwip/arch.h"

struct pbuf;
struct netif;

u32_t host_random(void);
/* Not 0: the packet was for another address and is dealt with. */
int refuse_foreign(struct pbuf *packet, struct netif *interface);

#endif
