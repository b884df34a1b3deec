-- A snapshot with its label. The cuts are the first snapshot's quantiles and stay as they are: a label that moved with
-- the data could not show that the data moved.

select
    *,
    case
        when tenure_days < 28 then 'new'
        when recency_days > 56 then 'lapsed'
        when recency_days > 21 and monetary_91d >= $monetary_median then 'at_risk'
        when frequency_91d >= $frequency_upper and monetary_91d >= $monetary_upper then 'champion'
        when frequency_91d >= $frequency_median and monetary_91d >= $monetary_median then 'loyal'
        when monetary_91d >= $monetary_upper then 'big_spender'
        when recency_days <= 21 then 'regular'
        else 'hibernating'
    end as segment
from snapshot
order by household_id
