-- How did it go, day by day?
SELECT
  s.created_date,
  COUNT(*) AS sign_ins,
  SUM(CASE WHEN s.verdict = 'succeeded' THEN 1 ELSE 0 END) AS succeeded,
  SUM(CASE WHEN s.verdict = 'blocked' THEN 1 ELSE 0 END) AS blocked,
  SUM(CASE WHEN s.verdict = 'unexplained' THEN 1 ELSE 0 END) AS unexplained,
  SUM(CASE WHEN s.verdict = 'failed' THEN 1 ELSE 0 END) AS failed,
  SUM(CASE WHEN s.verdict = 'interrupted' THEN 1 ELSE 0 END) AS interrupted,
  COUNT(DISTINCT CASE WHEN s.flagged THEN s.child_tenant_id END) AS customers_refusing
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
WHERE (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
GROUP BY s.created_date
ORDER BY s.created_date NULLS LAST
