DROP TABLE outage;
DROP TABLE chore;
DROP TABLE copied;
DROP TABLE sent_before;
DROP TABLE lost_time;
