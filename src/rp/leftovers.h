#ifndef ROSENPASS_RP_LEFTOVERS_H
#define ROSENPASS_RP_LEFTOVERS_H

/*
 * Removes routing rules of an rp that was killed along with its guard, so that nobody was left to undo them.
 * Without their tunnel they do nothing, but the next full tunnel would take their table for somebody else's.
 *
 * A rule is removed if it carries RULE_PROTOCOL and the table that it leads to has no route: the interface of
 * its tunnel is gone. An rp that runs, and whose rules are removed before it has made its routes, makes them
 * again.
 */
void leftovers_remove(void);

#endif
