#ifndef ROSENPASS_RP_LEFTOVERS_H
#define ROSENPASS_RP_LEFTOVERS_H

/*
 * Removes routing rules of an rp that was killed together with its guard. Without their tunnel these rules do
 * nothing, but the next full tunnel would avoid their table as one that is in use.
 *
 * A rule is removed if it carries RULE_PROTOCOL and the table that it leads to has no route: the interface of
 * its tunnel is gone. An rp that runs, and whose rules are removed before it has made its routes, makes them
 * again.
 */
void leftovers_remove(void);

#endif
